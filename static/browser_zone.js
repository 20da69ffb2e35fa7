/* Tells the form which time zone the browser is set to. Without it the account's is taken. */
(function () {
  "use strict";
  document.querySelectorAll("input[data-browser-zone]").forEach(function (input) {
    input.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  });
})();
