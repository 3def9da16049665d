rule vba_autoexec_shell : document macro {
  meta:
    description = "A macro that starts by itself names what runs other programs"
    severity = "medium"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1059/005/"
    attack = "T1059.005"
    date = "2026-11-22"
  strings:
    $auto = /\b(Auto_?(Open|Close|Exec|New)|Document_?(Open|Close|New)|Workbook_(Open|Activate|BeforeClose))\b/ nocase
    $run1 = "WScript.Shell" nocase
    $run2 = "Shell.Application" nocase
    $run3 = "ShellExecute" nocase
    $run4 = "Win32_Process" nocase
    $run5 = "powershell" nocase
    $run6 = "VirtualAlloc" nocase
    $run7 = "CreateThread" nocase
    $project = "_VBA_PROJECT" wide
    $module = "Attribute VB_Name"

  condition:
    ((uint32be(0) == 0xD0CF11E0 and $project) or $module in (0..256)) and $auto and any of ($run*)
}
