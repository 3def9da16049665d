rule pdf_hidden_action : document evasion {
  meta:
    description = "The PDF document writes the name of a dangerous action in escapes, or exploits a reader's old hole"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1027/"
    attack = "T1027"
    date = "2026-11-22"
  strings:
    $pdf = "%PDF-"
    // Any letter may be an escape, and no program that makes PDF does so.
    $script = /\/(J|#4a)(a|#61)(v|#76)(a|#61)(S|#53)(c|#63)(r|#72)(i|#69)(p|#70)(t|#74)/ nocase
    $plain_script = "/JavaScript" nocase
    $launch = /\/(L|#4c)(a|#61)(u|#75)(n|#6e)(c|#63)(h|#68)/ nocase
    $plain_launch = "/Launch" nocase
    $open = /\/(O|#4f)(p|#70)(e|#65)(n|#6e)(A|#41)(c|#63)(t|#74)(i|#69)(o|#6f)(n|#6e)/ nocase
    $plain_open = "/OpenAction" nocase
    $hole1 = /util\.printf\s{0,4}\(\s{0,4}["']%[0-9]{4}/
    $hole2 = /Collab\.(collectEmailInfo|getIcon)\s{0,4}\(/
    $hole3 = /media\.newPlayer\s{0,4}\(\s{0,4}null/
    $hole4 = /unescape\s{0,4}\(\s{0,4}["']%u[0-9a-f]{4}%u/ nocase

  condition:
    $pdf in (0..1024)
    and (#script > #plain_script or #launch > #plain_launch or #open > #plain_open or any of ($hole*))
}
