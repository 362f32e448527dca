import pytest


@pytest.fixture(autouse=True)
def drawn_once():
    """Here each test draws and keeps its own."""
