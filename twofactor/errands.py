"""What somebody came to the two-factor pages for, carried from page to page in the address.

Who is sent by an account or the console that requires two-factor (``for=1``) has it turned on
along with the first method, and is brought back to where they were (``next``).
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest
from django.urls import reverse

from users.redirecting import wanted_page

ON_DEMAND = "for"


@dataclass(frozen=True, slots=True)
class Errand:
    """``next_page`` is a path on this site, or empty."""

    is_on_demand: bool = False
    next_page: str = ""

    @property
    def query(self) -> str:
        """For an address that goes on with it: with its question mark, or empty."""
        said = {ON_DEMAND: "1" if self.is_on_demand else "", REDIRECT_FIELD_NAME: self.next_page}
        kept = {name: value for name, value in said.items() if value}
        return f"?{urlencode(kept)}" if kept else ""


def errand_of(request: HttpRequest) -> Errand:
    said = request.POST.get(ON_DEMAND) or request.GET.get(ON_DEMAND)
    return Errand(is_on_demand=said == "1", next_page=wanted_page(request))


def overview_address(errand: Errand) -> str:
    return reverse("twofactor:overview") + errand.query
