rule protocol_link : web document remote {
  meta:
    description = "A link opens a search on a stranger's server or a Windows tool that runs commands"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1204/001/"
    attack = "T1204.001"
    date = "2026-11-22"
  strings:
    $link = /(href|src|url|uri|target|location|action)\s{0,8}[=(:]\s{0,8}["'(<]{0,2}\s{0,8}(search-ms|ms-search|ms-msdt|ms-officecmd|ms-cxh-full)\s{0,4}:/ nocase
    $refresh = /http-equiv\s{0,4}=\s{0,4}["']?refresh["']?[^<>]{1,80}url\s{0,4}=\s{0,4}["']?(file:|\\\\)/ nocase
    $msdt = /ms-msdt:[^"'<>]{0,100}PCWDiagnostic/ nocase

  condition:
    any of them
}
