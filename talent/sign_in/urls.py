"""The addresses of the sign-in. Of allauth's pages only these exist: nobody signs up."""

from allauth.account import views as account
from allauth.mfa.base import views as factor
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkey
from allauth.socialaccount import views as provider
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.urls import path

from . import views

# Named as allauth names them, and the first two as Django does too.
urlpatterns = [
    path("sign-in/", views.sign_in, name="login"),
    path("sign-in/", views.sign_in, name="account_login"),
    path("sign-out/", account.logout, name="logout"),
    path("sign-out/", account.logout, name="account_logout"),
    path("sign-in/closed/", account.account_inactive, name="account_inactive"),
    path("sign-in/code/", factor.authenticate, name="mfa_authenticate"),
    path("sign-in/passkey/", passkey.login_webauthn, name="mfa_login_webauthn"),
    path("sign-in/again/", account.reauthenticate, name="account_reauthenticate"),
    path("sign-in/again/code/", factor.reauthenticate, name="mfa_reauthenticate"),
    path(
        "sign-in/again/passkey/",
        passkey.reauthenticate_webauthn,
        name="mfa_reauthenticate_webauthn",
    ),
    path("sign-in/again/organisation/", views.ask_provider, name="provider_reauthenticate"),
    path("sign-in/again/go-on/", views.go_on, name="go_on"),
    path("sign-in/with/<slug:provider_id>/", views.by_provider, name="openid_connect_login"),
    path(
        "sign-in/with/<slug:provider_id>/back/",
        openid_connect.callback,
        name="openid_connect_callback",
    ),
    path("sign-in/cancelled/", provider.login_cancelled, name="socialaccount_login_cancelled"),
    path("sign-in/failed/", provider.login_error, name="socialaccount_login_error"),
    path("account/app/", views.set_up_app, name="mfa_activate_totp"),
    path("account/app/remove/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("account/passkeys/add/", views.add_passkey, name="mfa_add_webauthn"),
    path("account/passkeys/<int:pk>/", passkey.edit_webauthn, name="mfa_edit_webauthn"),
    path("account/passkeys/<int:pk>/remove/", passkey.remove_webauthn, name="mfa_remove_webauthn"),
    path("account/codes/", views.recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "account/codes/new/", recovery.generate_recovery_codes, name="mfa_generate_recovery_codes"
    ),
]
