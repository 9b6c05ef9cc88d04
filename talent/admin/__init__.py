from . import consent, people, running, sign_in, twins

__all__ = ["consent", "people", "running", "sign_in", "twins"]
