rule rtf_remote_link : document remote exploit {
  meta:
    description = "A link object of the RTF document leads to an address or a script"
    severity = "critical"
    author = "Sallyport"
    reference = "https://nvd.nist.gov/vuln/detail/CVE-2017-0199"
    attack = "T1203"
    date = "2026-11-22"
  strings:
    $rtf = "{\\rt"
    // "OLE2Link", then the class ids of the URL, SOAP and script monikers, in the hexadecimal of \objdata.
    $link = "4f4c45324c696e6b" nocase
    $url = "e0c9ea79f9bace118c8200aa004ba90b" nocase
    $soap = "c7b0abec197fd211978e0000f8757e2a" nocase
    $script = "c6afabec197fd211978e0000f8757e2a" nocase

  condition:
    $rtf in (0..64) and $link and any of ($url, $soap, $script)
}
