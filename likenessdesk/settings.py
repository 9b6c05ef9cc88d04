"""Settings of the desk. The environment comes in here and nowhere else (docs/running.md)."""

import contextlib
import os
import secrets
import tempfile
import tomllib
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pghistory
from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy

from likenessdesk import embedded, production

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = BASE_DIR / "var"


def text(name: str, default: str) -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str) -> bool:
    return text(name, "0").lower() in {"1", "yes", "true", "on"}


def number(name: str, default: int) -> int:
    return int(text(name, str(default)))


def words(name: str, default: str) -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def oidc_providers(path: str) -> list[dict[str, object]]:
    """Read the TOML file that names providers of OpenID Connect; an empty path names none."""
    if not path:
        return []
    given = tomllib.loads(Path(path).read_text()).get("provider", [])
    needed = {"id", "name", "server", "client_id", "client_secret", "mail_domains"}
    more = {"second_factor": False, "mail_is_verified": False}
    for one in given:
        if one.keys() - more.keys() != needed:
            wrong = sorted(needed ^ (one.keys() - more.keys()))
            raise ImproperlyConfigured(f"{path}: a provider has too little or too much: {wrong}.")
    return [
        {**more, **one, "mail_domains": [domain.lower() for domain in one["mail_domains"]]}
        for one in given
    ]


def openid_connect(providers: list[dict[str, object]]) -> dict[str, object]:
    """Return providers as allauth names their settings."""
    apps = [
        {
            "provider_id": one["id"],
            "name": one["name"],
            "client_id": one["client_id"],
            "secret": one["client_secret"],
            "settings": {"server_url": one["server"]},
        }
        for one in providers
    ]
    return {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": apps}}


def kept_key(file: Path) -> str:
    """Return the secret key kept in `file`; created on first use, readable by its owner only."""
    file.parent.mkdir(exist_ok=True)
    try:
        if not file.exists():
            with tempfile.NamedTemporaryFile("w", dir=file.parent) as new:
                new.write(secrets.token_urlsafe(64))
                new.flush()
                # Two processes may do this at once: the first to link its file wins.
                with contextlib.suppress(FileExistsError):
                    os.link(new.name, file)
        return file.read_text()
    except PermissionError as error:
        text = (
            f"{error.filename} belongs to another user: run as that user, or set SECRET_KEY and "
            "KEY_ENCRYPTION_KEY."
        )
        raise ImproperlyConfigured(text) from error


DEBUG = flag("DEBUG")
# Everything that only a desk behind HTTPS can have: `PRODUCTION=1`, checked by checks.py.
PRODUCTION = flag("PRODUCTION")
NOT_CONFIGURED = [
    name
    for name in (
        "SECRET_KEY", "KEY_ENCRYPTION_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL",
        "EMAIL_URL",
    )
    if not text(name, "")
]  # fmt: skip
if PRODUCTION and (wrong := production.faults(os.environ, debug=DEBUG, missing=NOT_CONFIGURED)):
    # Here, and not in a check: this is what every process of the desk begins with.
    raise ImproperlyConfigured(production.refusal(wrong))
SECRET_KEY = text("SECRET_KEY", "") or kept_key(VAR / "secret-key")
# Encrypts secrets in the database (talent/envelope.py). If it is lost, they cannot be decrypted.
KEY_ENCRYPTION_KEY = (
    text("KEY_ENCRYPTION_KEY", "") or kept_key(VAR / "key-encryption-key")
).encode()
# The certificate that seals documents, with its chain, and its key: paths of PEM files. Without
# them nothing can be sent for signature. A server of RFC 3161 stamps the time of each signature.
SEAL_CERTIFICATE = text("SEAL_CERTIFICATE", "")
SEAL_KEY = text("SEAL_KEY", "")
SEAL_KEY_PASSWORD = text("SEAL_KEY_PASSWORD", "")
TIMESTAMP_URL = text("TIMESTAMP_URL", "")
TIMESTAMP_ROOTS = text("TIMESTAMP_ROOTS", "")
ALLOWED_HOSTS = words("ALLOWED_HOSTS", "" if PRODUCTION else "127.0.0.1,localhost,[::1]")
PORT = number("PORT", 8000)
# The countries in which the desk's records lie, as receipts of consents say.
STORAGE_LOCATIONS = words("STORAGE_LOCATIONS", "")
# The base of links in mails that background tasks write.
DESK_URL = text(
    "DESK_URL",
    f"https://{ALLOWED_HOSTS[0]}" if PRODUCTION and ALLOWED_HOSTS else f"http://127.0.0.1:{PORT}",
).rstrip("/")

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "likenessdesk.admin.config.DeskAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "pgtrigger",
    "pghistory",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_results",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "talent",
    "licensing",
    "valuation",
    "likenessdesk",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "likenessdesk.browsers.ContentPolicy",
    "likenessdesk.browsers.PublicFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "talent.sign_in.middleware.SecondFactorMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "likenessdesk.browsers.IdleEnd",
    "talent.accounts.zones.ZoneOfPages",
    "pghistory.middleware.HistoryMiddleware",
]

ROOT_URLCONF = "likenessdesk.urls"
WSGI_APPLICATION = "likenessdesk.wsgi.application"
AUTH_USER_MODEL = "talent.User"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def database(url: str) -> dict[str, object]:
    """Read postgres://user:password@host:port/name?option=value; a host may be a quoted path."""
    parts = urlsplit(url)
    server = parts.netloc.rpartition("@")[2]
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        # `parts.hostname` is lower-cased, which would change a socket's path.
        "HOST": unquote(server.removesuffix(f":{parts.port}")),
        "PORT": str(parts.port or ""),
        "OPTIONS": {
            # For the cursors that bind on the server (`talent.database.sessions` says how they are
            # planned); Django's own never prepare.
            "prepare_threshold": 0,
            **{name: values[-1] for name, values in parse_qs(parts.query).items()},
        },
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


# The servers that nobody has set up, so that the desk starts its own (`embedded`).
EMBEDDED = [
    name
    for name, variable in [("postgresql", "DATABASE_URL"), ("valkey", "REDIS_URL")]
    if not text(variable, "")
]
EMBEDDED_PLACE = embedded.place_of(BASE_DIR)
DATABASES = {"default": database(text("DATABASE_URL", EMBEDDED_PLACE.database_url))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = text("REDIS_URL", EMBEDDED_PLACE.redis_url)
# Desks that share one Redis are told apart by the name of their database.
REDIS_PREFIX = f"{DATABASES['default']['NAME']}:"
# What signing in and searching remember for a while lies in the database, so that both work while
# Redis is away; what is said from within a long transaction goes through Redis.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "talent_cache",
        "OPTIONS": {"MAX_ENTRIES": 5_000},
    },
    "redis": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": f"{REDIS_PREFIX}cache",
    },
}


def broker(url: str) -> str:
    """Return the URL as Celery's transport spells it, which differs for a Unix socket."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    number = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.path}?virtual_host={number}"


CELERY_BROKER_URL = broker(REDIS_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": REDIS_PREFIX,
    # A killed worker's tasks are handed out again this long after they were first, found by
    # a sweep every 5 s: within a minute. A task that still runs by then would run twice.
    "visibility_timeout": number("VISIBILITY_TIMEOUT", 50),
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
}
# What takes long has a lane of its own: a night of hours, or a sheet of one, holds up no mail, and
# nobody who asked for a figure and looks at its page. The lanes are queues; a worker serves all of
# them, or those that its `-Q` names (docs/running.md).
LANES = ["small", "asked", "night", "statements", "sheets"]
CELERY_TASK_DEFAULT_QUEUE = LANES[0]
CELERY_TASK_ROUTES = {
    "valuation.tasks.night": {"queue": "night"},
    "valuation.tasks.rate_chunks": {"queue": "night"},
    "valuation.tasks.add_up_sealed": {"queue": "night"},
    "valuation.tasks.night_by_hand": {"queue": "night"},
    "valuation.tasks.value_scenario": {"queue": "night"},
    "valuation.tasks.value_twins": {"queue": "night"},
    "valuation.tasks.compute_valuation": {"queue": "asked"},
    "valuation.tasks.solve_plan": {"queue": "asked"},
    "valuation.tasks.simulate_consent": {"queue": "asked"},
    "valuation.tasks.draw_statements": {"queue": "statements"},
    "valuation.tasks.issue_statements": {"queue": "statements"},
    "valuation.tasks.keep_for_the_long_term": {"queue": "statements"},
    "licensing.tasks.check_rules": {"queue": "night"},
    "licensing.tasks.import_usage_sheet": {"queue": "sheets"},
    "talent.tasks.see_to_the_vault": {"queue": "sheets"},
    "talent.tasks.propose_destructions": {"queue": "night"},
}
CELERY_TASK_TIME_LIMIT = 45
# These may run longer: each holds a lock, so that a second run sees it and ends.
CELERY_TASK_ANNOTATIONS = {
    "licensing.tasks.check_rules": {"time_limit": 60 * 60},
    "valuation.tasks.night": {"time_limit": 6 * 60 * 60},
    "valuation.tasks.night_by_hand": {"time_limit": 6 * 60 * 60},
    "valuation.tasks.add_up_sealed": {"time_limit": 6 * 60 * 60},
    "valuation.tasks.draw_statements": {"time_limit": 6 * 60 * 60},
    "valuation.tasks.issue_statements": {"time_limit": 5 * 60},
    "valuation.tasks.keep_for_the_long_term": {"time_limit": 60 * 60},
    "valuation.tasks.value_twins": {"time_limit": 60 * 60},
    "valuation.tasks.compute_valuation": {"time_limit": 15 * 60},
    "valuation.tasks.solve_plan": {"time_limit": 15 * 60},
    "valuation.tasks.simulate_consent": {"time_limit": 15 * 60},
    "licensing.tasks.import_usage_sheet": {"time_limit": 60 * 60},
    "talent.tasks.see_to_the_vault": {"time_limit": 60 * 60},
    "talent.tasks.propose_destructions": {"time_limit": 60 * 60},
}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_RESULT_BACKEND = "django-db"
CELERY_RESULT_EXTENDED = True
CELERY_TASK_TRACK_STARTED = True
CELERY_TIMEZONE = "UTC"

# Usage is kept in partitions (docs/running.md): how many events in each, how many empty ones
# ahead of the newest event, and the age in days at which one may leave for a file.
EVENTS_IN_A_PARTITION = number("EVENTS_IN_A_PARTITION", 10_000_000)
PARTITIONS_AHEAD = number("PARTITIONS_AHEAD", 3)
ARCHIVE_AFTER_DAYS = number("ARCHIVE_AFTER_DAYS", 730)

LANGUAGE_CODE = "en"
# A language is added once its catalogue is complete: half-translated pages help nobody.
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
# Private: no URL serves this folder; views serve its files after checking who asks.
MEDIA_URL = "/media/"
MEDIA_ROOT = Path(text("MEDIA_ROOT", str(VAR / "media")))
# The vault: its files, encrypted, and its keys, which lie on neither the database's disk nor in any
# backup of it (docs/custody.md). Two age keys: the desk's own secret one, and whose public one an
# escrow holder keeps offline. Without the first, it follows from KEY_ENCRYPTION_KEY. Those that it
# had before open what is not wrapped anew yet.
VAULT_ROOT = Path(text("VAULT_ROOT", str(VAR / "vault")))
# Instead of the folder: a bucket of an S3-compatible storage, as in s3://bucket/folder.
VAULT_BUCKET = text("VAULT_BUCKET", "")
VAULT_S3_ENDPOINT = text("VAULT_S3_ENDPOINT", "")
VAULT_S3_REGION = text("VAULT_S3_REGION", "us-east-1")
VAULT_S3_KEY_ID = text("VAULT_S3_KEY_ID", "")
VAULT_S3_SECRET = text("VAULT_S3_SECRET", "")
VAULT_KEYS = Path(text("VAULT_KEYS", str(VAR / "vault-keys")))
VAULT_IDENTITY = text("VAULT_IDENTITY", "")
VAULT_OLD_IDENTITIES = text("VAULT_OLD_IDENTITIES", "").split()
# A security module that opens a VAULT_IDENTITY of the form pkcs11:… (docs/custody.md).
VAULT_PKCS11_MODULE = text("VAULT_PKCS11_MODULE", "")
VAULT_PKCS11_TOKEN = text("VAULT_PKCS11_TOKEN", "")
VAULT_PKCS11_PIN = text("VAULT_PKCS11_PIN", "")
VAULT_ESCROW = text("VAULT_ESCROW", "")
# Whom content credentials (C2PA) are held against (docs/provenance.md): a file of certificates,
# and its day as it says itself. Without one nobody is trusted.
C2PA_TRUST_LIST = text("C2PA_TRUST_LIST", "")
C2PA_TRUST_LIST_DATED = text("C2PA_TRUST_LIST_DATED", "no day told")
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
PLAIN_STATIC = "django.contrib.staticfiles.storage.StaticFilesStorage"
HASHED_STATIC = "likenessdesk.static_files.HashedFiles"
COMPRESSED_STATIC = "likenessdesk.static_files.CompressedFiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": PLAIN_STATIC if DEBUG else COMPRESSED_STATIC if PRODUCTION else HASHED_STATIC
    },
}

AUTHENTICATION_BACKENDS = ["talent.access.RoleBackend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "portal:home"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# Who must prove themselves twice, at any agency: more roles may be named. `none` is for a desk that
# only tries things out; in production nobody is let off.
ALWAYS_TWICE = {"operator", "business_affairs", "accounting"}
SECOND_FACTOR_ROLES = set(words("SECOND_FACTOR_ROLES", ",".join(ALWAYS_TWICE))) - {"none"}
if PRODUCTION:
    SECOND_FACTOR_ROLES |= ALWAYS_TWICE
# How many proxies of one's own pass a request on; whom it comes from is what the first of them saw.
TRUSTED_PROXIES = number("TRUSTED_PROXIES", 1 if flag("BEHIND_PROXY") else 0)
# Organisations through whose own sign-in their people may come (docs/accounts.md).
OIDC_PROVIDERS = oidc_providers(text("OIDC_PROVIDERS", ""))

ACCOUNT_ADAPTER = "talent.sign_in.adapters.AccountAdapter"
ACCOUNT_FORMS = {"login": "talent.sign_in.forms.SignInForm"}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# Addresses are proved by the invitation.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = "login"
ACCOUNT_REAUTHENTICATION_METHODS = {"password", "mfa"}
# Tries are counted by talent/accounts/tries.py.
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
MFA_ADAPTER = "talent.sign_in.adapters.FactorAdapter"
MFA_FORMS = {
    "authenticate": "talent.sign_in.forms.CodeForm",
    "reauthenticate": "talent.sign_in.forms.CodeAgainForm",
    "activate_totp": "talent.sign_in.forms.FirstCodeForm",
    "add_webauthn": "talent.sign_in.forms.PasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_TOLERANCE = 1
SOCIALACCOUNT_ADAPTER = "talent.sign_in.adapters.ProviderAdapter"
SOCIALACCOUNT_PROVIDERS = openid_connect(OIDC_PROVIDERS)

# A session that nobody uses ends after this long: that of staff, and that of readers of the portal.
SESSION_IDLE_MINUTES = number("SESSION_IDLE_MINUTES", 60)
PORTAL_IDLE_MINUTES = number("PORTAL_IDLE_MINUTES", 12 * 60)
SESSION_COOKIE_HTTPONLY = True

# What a page may load and run: what the desk itself serves. Styles may stand in a page's elements:
# the theme's and the charts' do. `browsers.ContentPolicy` adds what the admin's theme needs.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "style-src": [SELF, UNSAFE_INLINE],
        "script-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        # A sign-in through somebody's organisation may be sent on by it, to whom we cannot know.
        "form-action": [SELF, *(["https:"] if OIDC_PROVIDERS else [])],
        "frame-ancestors": [NONE],
    }
}

# For receivers on the operator's own network: private addresses, and plain http.
WEBHOOK_PRIVATE_TARGETS = flag("WEBHOOK_PRIVATE_TARGETS")

if PRODUCTION:
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = number("HSTS_SECONDS", 30 * 24 * 60 * 60)
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
if flag("BEHIND_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SILENCED_SYSTEM_CHECKS = [
    # Whether every other host of the domain speaks HTTPS is its owner's to say, not the desk's.
    "security.W005",
    "security.W021",
]


def mail(url: str) -> dict[str, object]:
    """Read console: or smtp://user:password@host:port (STARTTLS), smtps:// (TLS), smtp+plain://."""
    parts = urlsplit(url)
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname or "localhost",
        "EMAIL_PORT": parts.port or {"smtps": 465, "smtp": 587}.get(parts.scheme, 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp",
        "EMAIL_TIMEOUT": 10,
    }


globals().update(mail(text("EMAIL_URL", "console:")))
DEFAULT_FROM_EMAIL = text("DEFAULT_FROM_EMAIL", "Likeness Desk <desk@localhost>")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "likenessdesk.logs.WithoutRowValues",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "filters": {"answers": {"()": "likenessdesk.logs.WithoutAnswers"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["answers"],
        }
    },
    "root": {"handlers": ["console"], "level": text("LOG_LEVEL", "INFO")},
    "loggers": {
        # Django's own handlers would mail whole requests, with what people typed.
        "django": {"handlers": [], "propagate": True},
        # One line for each task would drown the rest; failures are logged as warnings and errors.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        # It logs the id of every passkey.
        "fido2": {"level": "WARNING"},
        # WeasyPrint logs every CSS rule that it does not know.
        "weasyprint": {"level": "ERROR"},
        "fontTools": {"level": "WARNING"},
    },
}

# A change-set is one request. Its rows are facts, so nobody edits them.
PGHISTORY_DEFAULT_TRACKERS = (
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    pghistory.DeleteEvent(),
)
PGHISTORY_APPEND_ONLY = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "likenessdesk.api.ApiKeyAuthentication",
        # People with a seat may follow the same addresses in their browser, reading.
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "likenessdesk.api.JsonUnlessAsked",
    # A view that takes a body names its parser: REST framework's own would keep the last of two
    # members with one name, and what no table can hold.
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "likenessdesk.api.problem_response",
    "NUM_PROXIES": TRUSTED_PROXIES,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Likeness Desk",
    "VERSION": "1",
    # OpenAPI 3.1 uses JSON Schema 2020-12, as the schemas of the event types do.
    "OAS_VERSION": "3.1.1",
    "DESCRIPTION": (
        "Ask for clearances, report usage, read agreements, twins and statements. "
        "Every error is a problem (RFC 9457) with a stable code and pointers to what to change."
    ),
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ChannelEnum": "licensing.words.Channel.choices",
        "AgreementStatusEnum": "licensing.words.AgreementStatus.choices",
    },
}

UNFOLD = {
    "SITE_TITLE": "Likeness Desk",
    "SITE_HEADER": "Likeness Desk",
    "SITE_URL": "/",
    "SITE_ICON": lambda request: static("css/icon.svg"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("css/icon.svg")}
    ],
    "STYLES": [lambda request: static("css/admin.css")],
    "SCRIPTS": [
        lambda request: static("js/keys.js"),
        lambda request: static("js/names.js"),
    ],
    "ACCOUNT": {
        "navigation": [
            {"title": gettext_lazy("Sign-in and safety"), "link": reverse_lazy("mfa_index")}
        ]
    },
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "DASHBOARD_CALLBACK": "likenessdesk.admin.index.dashboard",
    "COMMAND": {"search_callback": "likenessdesk.admin.search.search", "show_history": True},
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
    },
    # One accent with the portal and the statement.
    "COLORS": {
        "primary": {
            "50": "#eff6fc",
            "100": "#dcebf8",
            "200": "#b9d7f1",
            "300": "#8bbce6",
            "400": "#579bd6",
            "500": "#317fc2",
            "600": "#1f66a8",
            "700": "#1b5389",
            "800": "#194670",
            "900": "#14344f",
            "950": "#0c2236",
        }
    },
}
