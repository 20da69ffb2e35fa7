/* Copying the recovery codes and the key of an app, and printing. Without this file the buttons stay
   hidden: codes can be downloaded, and all of it selected by hand. */
(function () {
  "use strict";
  var said = document.querySelector("[data-copied]");

  document.querySelectorAll("[data-prints]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () { window.print(); });
  });
  document.querySelectorAll("[data-copies]").forEach(function (button) {
    /* Only pages that came by HTTPS, or from this machine, may copy. */
    if (!navigator.clipboard) {
      return;
    }
    button.hidden = false;
    button.addEventListener("click", function () {
      var whole = document.getElementById(button.dataset.copies);
      var items = whole.querySelectorAll("li");
      var lines = Array.prototype.map.call(items, function (item) { return item.textContent; });
      var text = lines.length ? lines.join("\n") : whole.textContent;
      navigator.clipboard.writeText(text).then(function () {
        said.textContent = button.dataset.said;
      }, function () {
        button.hidden = true;
      });
    });
  });
})();
