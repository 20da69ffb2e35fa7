/* Buttons that tick boxes of access. Without this file they stay hidden: the boxes are enough. */
(function () {
  "use strict";
  document.querySelectorAll("[data-presets]").forEach(function (presets) {
    var form = presets.closest("form");
    var said = presets.querySelector("[data-presets-said]");
    presets.hidden = false;
    presets.addEventListener("click", function (event) {
      var button = event.target.closest("[data-preset]");
      if (!button) {
        return;
      }
      var wanted = button.dataset.preset.split(" ");
      form.querySelectorAll("input[type=checkbox][name=flags]").forEach(function (box) {
        /* A box that may not be ticked stays as it is. */
        if (!box.disabled) {
          box.checked = wanted.indexOf(box.value) !== -1;
        }
      });
      said.textContent = said.dataset.words;
    });
  });
})();
