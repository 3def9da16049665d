rule encoded_script : script evasion {
  meta:
    description = "Script that has been encoded so that nobody can read it"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1027/010/"
    attack = "T1027.010"
    date = "2026-11-22"
  strings:
    $encoded = /#@~\^[A-Za-z0-9+\/]{6}==/
    $end = "^#~@"
    $language = /language\s{0,4}=\s{0,4}["']?(VBScript|JScript)\.Encode/ nocase

  condition:
    part_role != "message" and part_role != "body"
    and uint32be(0) != 0x504B0304
    and (($encoded in (0..64) and $end) or ($encoded and $language))
}
