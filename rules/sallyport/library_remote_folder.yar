rule library_remote_folder : shortcut remote {
  meta:
    description = "The folder library or search connector shows a folder of another machine"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1204/002/"
    attack = "T1204.002"
    date = "2026-11-22"
  strings:
    $library = "<libraryDescription"
    $connector = "<searchConnectorDescription"
    $remote = /<(url|domain)[^<>]{0,40}>\s{0,8}(https?:|\\\\|file:\/\/[^\/]|[a-z0-9.-]{1,80}@(SSL|[0-9]{2,5}))/ nocase

  condition:
    filesize < 256KB and any of ($library, $connector) and $remote
}
