"""The languages that SquirrelMail's pages can be had in: those that its repository held when it last held any."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """``name`` as its speakers write it. ``charset``: what Python calls the character set of the repository's file.
    ``folder``: what the repository calls the language, where SquirrelMail would take that name for a Japanese of its
    own (EUC-JP, which no other part of the page is in)."""

    name: str
    charset: str
    folder: str = ""
    from_right: bool = False


ENGLISH = "en_US"
# Not its Ukrainian, which is a copy of the Russian, nor its Vietnamese, which is Spanish.
LANGUAGES = {
    "ar": Language("العربية", "cp1256", from_right=True),
    "bg_BG": Language("Български", "cp1251"),
    "ca_ES": Language("Català", "latin-1"),
    "cs_CZ": Language("Čeština", "iso8859-2"),
    "cy_GB": Language("Cymraeg", "latin-1"),
    "da_DK": Language("Dansk", "latin-1"),
    "de_DE": Language("Deutsch", "latin-1"),
    "el_GR": Language("Ελληνικά", "iso8859-7"),
    "es_ES": Language("Español", "latin-1"),
    "et_EE": Language("Eesti", "iso8859-15"),
    "fi_FI": Language("Suomi", "latin-1"),
    "fo_FO": Language("Føroyskt", "latin-1"),
    "fr_FR": Language("Français", "latin-1"),
    "he_IL": Language("עברית", "iso8859-8", from_right=True),
    "hr_HR": Language("Hrvatski", "iso8859-2"),
    "hu_HU": Language("Magyar", "iso8859-2"),
    "id_ID": Language("Bahasa Indonesia", "latin-1"),
    "is_IS": Language("Íslenska", "latin-1"),
    "it_IT": Language("Italiano", "latin-1"),
    "ja": Language("日本語", "euc-jp", folder="ja_JP"),
    "ko_KR": Language("한국어", "euc-kr"),
    "lt_LT": Language("Lietuvių", "utf-8"),
    "ms_MY": Language("Bahasa Melayu", "latin-1"),
    "nl_NL": Language("Nederlands", "latin-1"),
    "nn_NO": Language("Norsk nynorsk", "latin-1"),
    "no_NO": Language("Norsk bokmål", "latin-1"),
    "pl_PL": Language("Polski", "iso8859-2"),
    "pt_BR": Language("Português (Brasil)", "latin-1"),
    "pt_PT": Language("Português (Portugal)", "latin-1"),
    "ro_RO": Language("Română", "iso8859-2"),
    "ru_RU": Language("Русский", "utf-8"),
    "sk_SK": Language("Slovenčina", "iso8859-2"),
    "sl_SI": Language("Slovenščina", "iso8859-2"),
    "sr_YU": Language("Srpski", "iso8859-2"),
    "sv_SE": Language("Svenska", "latin-1"),
    "th_TH": Language("ไทย", "tis-620"),
    "tr_TR": Language("Türkçe", "iso8859-9"),
    "zh_CN": Language("简体中文", "gb2312"),
    "zh_TW": Language("繁體中文", "big5"),
}
# What a browser that names no country asks for, where that is not the code's own beginning.
SHORT = {"nn_NO": "nn", "no_NO": "nb", "pt_PT": "pt-pt", "zh_TW": "zh-tw"}
