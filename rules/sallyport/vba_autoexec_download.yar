rule vba_autoexec_download : document macro {
  meta:
    description = "A macro that starts by itself names what fetches a file and what runs a program"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1059/005/"
    attack = "T1059.005"
    date = "2026-11-22"
  strings:
    // Identifiers and string constants lie uncompressed in the p-code of a VBA project, beside the compressed source.
    $auto1 = /\b(Auto_?(Open|Close|Exec|New)|Document_?(Open|Close|New)|Workbook_(Open|Activate|BeforeClose))\b/ nocase
    $get1 = "URLDownloadToFile" nocase
    $get2 = "XMLHTTP" nocase
    $get3 = "WinHttpRequest" nocase
    $get4 = "InternetOpenUrl" nocase
    $get5 = "System.Net.WebClient" nocase
    $run1 = "WScript.Shell" nocase
    $run2 = "Shell.Application" nocase
    $run3 = "ShellExecute" nocase
    $run4 = "Win32_Process" nocase
    $run5 = "powershell" nocase
    $run6 = "WinExec" nocase
    $project = "_VBA_PROJECT" wide
    $module = "Attribute VB_Name"

  condition:
    ((uint32be(0) == 0xD0CF11E0 and $project) or $module in (0..256)) and $auto1 and any of ($get*) and any of ($run*)
}
