/* A select of time zones begins with the browser's own, unless something was chosen already. */
(function () {
  "use strict";
  var select = document.querySelector("select[data-guess='time-zone']");
  var zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  if (select && select.value === "UTC" && !select.classList.contains("is-invalid")) {
    Array.prototype.some.call(select.options, function (option) {
      option.selected = option.value === zone;
      return option.selected;
    });
    if (!select.value) {
      select.value = "UTC";
    }
  }
})();
