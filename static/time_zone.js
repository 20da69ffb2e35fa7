/* Time zones: what a form would have to ask, the browser knows. A select begins with the browser's own
   unless something was chosen already; a hidden field takes it as it is. */
(function () {
  "use strict";
  var zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  var select = document.querySelector("select[data-guess='time-zone']");

  if (select && select.value === "UTC" && !select.classList.contains("is-invalid")) {
    select.value = zone;
    if (!select.value) {
      select.value = "UTC";
    }
  }
  document.querySelectorAll("input[data-guess='time-zone']").forEach(function (input) {
    input.value = zone;
  });
})();
