"""End-of-data variants that have smuggled messages through some server; only the two legal ones end the data."""

VARIANTS: dict[str, bytes] = {
    "2 LF.LF": b"\n.\n",
    "3 LF.CRLF": b"\n.\r\n",
    "4 CRLF.LF": b"\r\n.\n",
    "5 LF.CR": b"\n.\r",
    "6 CR.LF": b"\r.\n",
    "7 CR.CR": b"\r.\r",
    "8 CR.CRLF": b"\r.\r\n",
    "9 CRLF.CR": b"\r\n.\r",
    "10 CRLF NUL.CRLF": b"\r\n\0.\r\n",
    "11 CRLF.NUL CRLF": b"\r\n.\0\r\n",
    "12 CRLF.CR CRLF": b"\r\n.\r\r\n",
    "13 CR CRLF.CR CRLF": b"\r\r\n.\r\r\n",
    "15 LF LF.CRLF": b"\n\n.\r\n",
    "16 CRLF.LF CRLF": b"\r\n.\n\r\n",
    "17a CRLF SP.CRLF": b"\r\n .\r\n",
    "17b CRLF.SP CRLF": b"\r\n. \r\n",
    "17c CRLF.TAB CRLF": b"\r\n.\t\r\n",
    "18a VT": b"\r\n\x0b.\r\n",
    "18b FF": b"\r\n\x0c.\r\n",
    "18c FS": b"\r\n\x1c.\r\n",
    "18d GS": b"\r\n\x1d.\r\n",
    "18e RS": b"\r\n\x1e.\r\n",
    "18f NEL": b"\r\n\x85.\r\n",
    "18g LS": b"\r\n\xe2\x80\xa8.\r\n",
    "19 CRLF..CRLF": b"\r\n..\r\n",
}
LEGAL: dict[str, bytes] = {
    "1 CRLF.CRLF": b"\r\n.\r\n",
    "14 CR CRLF.CRLF": b"\r\r\n.\r\n",
}
HEAD = b"S: 1\r\n\r\nbody"
SMUGGLED = b"MAIL FROM:<evil@x>\r\nRCPT TO:<a@b>\r\nDATA\r\nS: smuggled\r\n\r\n2\r\n.\r\n"
