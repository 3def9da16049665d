rule rtf_auto_update_object : document exploit {
  meta:
    description = "The RTF document starts an embedded object as soon as it is opened"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1203/"
    attack = "T1203"
    date = "2026-11-22"
  strings:
    $rtf = "{\\rt"
    $update = "\\objupdate"
    $data = "\\objdata"
    // Links to other documents are kept up to date; what is embedded needs none of it.
    $link = /\\obj(autlink|link|sub|pub)\b/

  condition:
    $rtf in (0..64) and $update and $data and not $link
}
