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
    $encoded and (($end and $encoded in (0..64)) or $language) and part_role != "message" and part_role != "body"
}
