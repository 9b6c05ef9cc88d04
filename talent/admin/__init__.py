from . import consent, custody, people, provenance, running, sign_in, twins

__all__ = ["consent", "custody", "people", "provenance", "running", "sign_in", "twins"]
