"""What people do in a room, and what they see there."""

from playwright.sync_api import Locator, Page, expect


def enter(page: Page, nickname: str = "旅人") -> None:
    """Go into the room with a nickname: one step."""
    page.goto("/rooms/talk/")
    page.get_by_label("ニックネーム").fill(nickname)
    page.get_by_role("button", name="参加する").click()
    connected(page)


def listening(page: Page) -> None:
    """Read along in the room without a name."""
    page.goto("/rooms/talk/")
    connected(page)


def connected(page: Page) -> None:
    """Wait until the page hears the room."""
    expect(page.locator("[data-connection]")).to_have_attribute("data-state", "connected")


def say(page: Page, body: str) -> None:
    """Type a message and press Enter, once the page listens."""
    page.locator("form[data-composer] textarea").fill(body)
    expect(page.locator("form[data-composer] button[type=submit]")).to_be_enabled()
    page.keyboard.press("Enter")


def bodies(page: Page) -> Locator:
    """What the messages on the page say."""
    return page.locator("li.message:not([data-notice]) .message-body")


def sees(page: Page, *said: str) -> None:
    """The page shows these messages and no others."""
    expect(bodies(page)).to_have_text(list(said))  # waits, but takes any white space for a space
    assert bodies(page).all_text_contents() == list(said)
