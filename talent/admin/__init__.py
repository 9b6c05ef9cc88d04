from . import consent, custody, people, running, sign_in, twins

__all__ = ["consent", "custody", "people", "running", "sign_in", "twins"]
