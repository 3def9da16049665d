rule ole_packaged_program : document dropper {
  meta:
    description = "The document carries a packaged file with the extension of a program, script or shortcut"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1204/002/"
    attack = "T1204.002"
    date = "2026-11-22"
  strings:
    $native = "\x01Ole10Native" wide
    // Label, path, marks, path of the temporary copy: the last two names that a person never sees.
    $label = /\x02\x00[^\x00-\x1f]{1,200}\.(exe|scr|com|pif|cpl|msi|bat|cmd|ps1|js|jse|vbs|vbe|wsf|sct|hta|lnk|url|jar|chm|settingcontent-ms|iqy|slk)\x00[^\x00-\x1f]{0,300}\x00\x00\x00\x03\x00/ nocase

  condition:
    uint32be(0) == 0xD0CF11E0 and $native and $label
}
