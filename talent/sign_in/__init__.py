"""One sign-in for the admin and the portal, by django-allauth: adapters, forms, what is proved."""
