rule rtf_malformed_with_object : document evasion exploit {
  meta:
    description = "The RTF document has a broken header, as no program writes it, and embeds an object"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1027/"
    attack = "T1027"
    date = "2026-11-22"
  strings:
    $any = "{\\rt"
    $right = /\{\\rtf[01]?[\s\\{}]/
    $data = /\\objdata|\\objemb|\\objocx/

  condition:
    $any in (0..64) and not $right in (0..64) and $data
}
