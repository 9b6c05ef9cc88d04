from . import consent, people, twins

__all__ = ["consent", "people", "twins"]
