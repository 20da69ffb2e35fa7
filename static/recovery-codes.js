/* Copying and printing the recovery codes. Without this file the buttons stay hidden: the codes can be
   downloaded, and selected by hand. */
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
      var items = document.getElementById(button.dataset.copies).querySelectorAll("li");
      var text = Array.prototype.map.call(items, function (item) { return item.textContent; }).join("\n");
      navigator.clipboard.writeText(text).then(function () {
        said.textContent = button.dataset.said;
      }, function () {
        button.hidden = true;
      });
    });
  });
})();
