rule svg_script_redirect : web script phishing {
  meta:
    description = "The picture holds a script that leads to another page or unpacks more script"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1059/007/"
    attack = "T1059.007"
    date = "2026-11-22"
  strings:
    $svg = /<svg[\s>]/ nocase
    $page = /<(html|body)[\s>]/ nocase
    $script = /<script[\s>\/]/ nocase
    $go1 = /\blocation(\.href)?\s{0,4}=[^=]/
    $go2 = /\blocation\.(replace|assign)\s{0,4}\(/
    $go3 = /\bwindow\.open\s{0,4}\(/
    $unpack1 = /\batob\s{0,4}\(/
    $unpack2 = /fromCharCode\s{0,4}[(.]/
    $unpack3 = /\bunescape\s{0,4}\(/
    $unpack4 = "decodeURIComponent("
    $run1 = /\beval\s{0,4}\(/
    $run2 = /\bnew\s{1,4}Function\b/
    $run3 = "Blob("
    $run4 = "document.write"
    $run5 = "createElement"

  condition:
    $svg in (0..4096) and not $page in (0..4096) and $script
    and (any of ($go*) or (any of ($unpack*) and any of ($run*)))
}
