from . import consent, people, sign_in, twins

__all__ = ["consent", "people", "sign_in", "twins"]
