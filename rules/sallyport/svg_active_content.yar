rule svg_active_content : web script {
  meta:
    description = "The picture holds a script, an event handler or a page of its own"
    severity = "medium"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1059/007/"
    attack = "T1059.007"
    date = "2026-11-22"
  strings:
    $svg = /<svg[\s>]/ nocase
    $page = /<(html|body)[\s>]/ nocase
    $script = /<script[\s>\/]/ nocase
    $event = /<(svg|image|animate|set|g|rect|a)\s[^<>]{0,400}\bon(load|begin|click|error|mouseover)\s{0,4}=\s{0,4}["']/ nocase
    $link = /href\s{0,4}=\s{0,4}["']\s{0,8}javascript:/ nocase
    $foreign = "<foreignObject" nocase
    $form = /<(form|input|iframe|embed|object)[\s>]/ nocase

  condition:
    $svg in (0..4096) and not $page in (0..4096) and ($script or $event or $link or ($foreign and $form))
}
