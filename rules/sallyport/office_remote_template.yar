rule office_remote_template : document remote {
  meta:
    description = "The document loads its template from a web server when it is opened"
    severity = "medium"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1221/"
    attack = "T1221"
    date = "2026-11-22"
  strings:
    $type = "/relationships/attachedTemplate" ascii wide
    $external = /TargetMode\s{0,8}=\s{0,8}["']External/ ascii wide nocase
    $remote = /Target\s{0,8}=\s{0,8}["']\s{0,8}(https?|ftp):\/\//  ascii wide nocase

  condition:
    filesize < 256KB and all of them
}
