"""What a configuration means to gate 1 where people log in."""

from __future__ import annotations

from gateway.settings.load import Configuration
from gateway.settings.models import Listener

LOGINS = {  # of gate 1, where people log in
    "smtpd_sasl_type": "dovecot",
    "smtpd_sasl_path": "private/auth-front",
    "smtpd_tls_auth_only": "yes",
    "smtpd_sender_login_maps": "texthash:$config_directory/sender_logins",
    "mua_client_restrictions": "check_client_access cidr:$config_directory/bridge_gateways, "
    "permit_sasl_authenticated, reject",
    "mua_sender_restrictions": "check_sender_access pcre:{ { /[[:cntrl:]]|^.{255}/ 501 5.1.7 Bad address syntax } } "
    "reject_non_fqdn_sender reject_sender_login_mismatch",
    "mua_relay_restrictions": "permit_sasl_authenticated, reject",
    "auth-front_time_limit": "7d",
}


def logins(configuration: Configuration) -> dict[str, Listener]:
    """Return the listeners where people log in."""
    return {name: listener for name, listener in configuration.settings.listen.items() if listener.auth}


def login_parameters(configuration: Configuration) -> dict[str, str]:
    """Return what main.cf says for them."""
    listeners = logins(configuration).values()
    limited = any(listener.recipients_per_hour for listener in listeners)
    return (LOGINS if listeners else {}) | ({"login-limit_time_limit": "7d"} if limited else {})


def login_options(listener: Listener) -> dict[str, str]:
    """Return what a listener is told where people log in: nobody else gets any further."""
    limit = f"{{ unix:private/login-limit, policy_context={listener.recipients_per_hour}, default_action=DUNNO }}"
    asked = f"check_policy_service {limit}, " if listener.recipients_per_hour else ""
    return {
        "smtpd_tls_security_level": "encrypt",
        **({"smtpd_tls_wrappermode": "yes"} if listener.tls == "implicit" else {}),
        "smtpd_sasl_auth_enable": "yes",
        "smtpd_client_restrictions": "$mua_client_restrictions",
        "smtpd_sender_restrictions": "$mua_sender_restrictions",
        "smtpd_relay_restrictions": f"{asked}$mua_relay_restrictions",
        **({"smtpd_client_auth_rate_limit": str(listener.logins_per_minute)} if listener.logins_per_minute else {}),
        **({"smtpd_hide_client_session": "yes"} if listener.hide_client else {}),
        "local_header_rewrite_clients": "permit_sasl_authenticated",
        "cleanup_service_name": "cleanup-inside",
    }
