"""What packages above put between a right password and a session."""

from common.hooks import Hook

# ``(request, user, *, next_page)``: the path of the page that asks ``user`` for more before a
# session begins, or None when nothing more is asked. ``next_page`` is where they were going.
HOLDS = Hook()
# ``(request)``: the path of the page on which a sign-in of this browser waits for more, or None.
WAITING = Hook()
