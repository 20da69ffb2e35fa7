/* Runs in the head, before anything is drawn: light or dark without a flash, as the system is set
   or as the reader chose in the menu. */
(function () {
  "use strict";
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var choices = ["light", "dark"];

  function chosen() {
    /* A browser may refuse to keep anything; then the system decides. */
    try {
      return window.localStorage.getItem("theme") || "system";
    } catch (refused) {
      return "system";
    }
  }
  function draw() {
    var choice = chosen();
    if (choices.indexOf(choice) === -1) {
      choice = dark.matches ? "dark" : "light";
    }
    document.documentElement.dataset.bsTheme = choice;
  }
  draw();
  dark.addEventListener("change", draw);
  window.addEventListener("storage", draw);

  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll("[data-themes]").forEach(function (themes) {
      themes.hidden = false;
      themes.querySelectorAll("input").forEach(function (input) {
        input.checked = input.value === chosen();
      });
    });
    /* The sum of a form's errors is what a reader has to meet first. */
    var errors = document.querySelector(".form-errors");
    if (errors) {
      errors.focus();
    }
  });
  document.addEventListener("change", function (event) {
    if (event.target.closest("[data-themes]")) {
      try {
        window.localStorage.setItem("theme", event.target.value);
      } catch (refused) {
        return;
      }
      draw();
    }
  });

  /* The second of two clicks sends nothing: the first is on its way. After ten seconds, or on a page
     that comes back out of the browser's memory, it can be sent again. */
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.method === "get") {
      return;
    }
    if (form.dataset.sent) {
      event.preventDefault();
    }
    form.dataset.sent = "yes";
    window.setTimeout(function () { delete form.dataset.sent; }, 10000);
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
    });
  });

  /* A part of a page that was exchanged by a link in itself takes the focus, which that link held.
     An answer without the part (signed out, refused) is opened as the page that it is. */
  document.addEventListener("htmx:beforeSwap", function (event) {
    var target = event.detail.target;
    var part = target.id && 'id="' + target.id + '"';
    if (!part || event.detail.xhr.status >= 400 || event.detail.serverResponse.indexOf(part) === -1) {
      event.detail.shouldSwap = false;
      window.location.assign(event.detail.xhr.responseURL || window.location.href);
    }
  });
  document.addEventListener("htmx:sendError", function (event) {
    window.location.assign(event.detail.pathInfo.finalRequestPath);
  });
  document.addEventListener("htmx:afterSwap", function (event) {
    var target = document.getElementById(event.detail.target.id);
    if (target && document.activeElement === document.body) {
      target.setAttribute("tabindex", "-1");
      target.focus({ preventScroll: true });
    }
  });

  /* Menus are <details>, which open and close without this; here they also close by a click
     elsewhere and by Escape, which puts the focus back on the button. */
  function closeMenus(except) {
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (menu !== except) {
        menu.open = false;
      }
    });
  }
  document.addEventListener("click", function (event) {
    closeMenus(event.target.closest("details.menu"));
  });
  document.addEventListener("keydown", function (event) {
    var menu = event.key === "Escape" && document.querySelector("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
})();
