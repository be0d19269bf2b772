"""The desk's first page: what this person may open, and what waits there."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from compliance.powers.desk import desk_page


@desk_page()
def home(request: HttpRequest) -> HttpResponse:
    """Show the pages of the desk that the person may open, each with what waits there."""
    return render(request, "desk/home.html")
