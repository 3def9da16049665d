rule rdp_resource_redirection : shortcut remote {
  meta:
    description = "The remote desktop file gives the other machine this one's drives, or runs a program there unseen"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1219/"
    attack = "T1219"
    date = "2026-11-22"
  strings:
    $address = /(full|alternate full) address:s:[^\r\n]/ ascii wide nocase
    // Files that Windows saves have the line, but nothing behind it.
    $drives = /drivestoredirect:s:[^\r\n\x00]/ ascii wide nocase
    $all = /redirectdrives:i:1/ ascii wide nocase
    $program = /remoteapplicationmode:i:1/ ascii wide nocase

  condition:
    filesize < 64KB and $address and any of ($drives, $all, $program)
}
