rule rtf_remote_template : document remote {
  meta:
    description = "The RTF document loads its template from an address that is hidden or bears no template's name"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1221/"
    attack = "T1221"
    date = "2026-11-22"
  strings:
    $rtf = "{\\rt"
    $remote = /\{\\\*\\template\s{0,8}(https?|ftp):\/\/[^{}\r\n]{1,800}\}/ nocase
    $honest = /\{\\\*\\template\s{0,8}(https?|ftp):\/\/[^{}\r\n]{1,800}\.do[ct][xm]?\s{0,4}\}/ nocase
    // Written in escapes, letter by letter.
    $hidden = /\{\\\*\\template\s{0,8}(\\u-?[0-9]{1,5}|\\'[0-9a-f]{2}).{0,20}(\\u-?[0-9]{1,5}|\\'[0-9a-f]{2}).{0,20}(\\u-?[0-9]{1,5}|\\'[0-9a-f]{2})/s nocase

  condition:
    $rtf in (0..64) and (#remote > #honest or ($hidden and filesize < 2MB))
}
