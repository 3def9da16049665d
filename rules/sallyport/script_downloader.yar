rule script_downloader : script dropper {
  meta:
    description = "A script fetches a file from the network, stores it and runs it"
    severity = "high"
    author = "Sallyport"
    reference = "https://attack.mitre.org/techniques/T1105/"
    attack = "T1105"
    date = "2026-11-22"
  strings:
    $get1 = "MSXML2.XMLHTTP" nocase
    $get2 = "Microsoft.XMLHTTP" nocase
    $get3 = "ServerXMLHTTP" nocase
    $get4 = "WinHttp.WinHttpRequest" nocase
    $write1 = "ADODB.Stream" nocase
    $write2 = "SaveToFile" nocase
    $run1 = "WScript.Shell" nocase
    $run2 = "Shell.Application" nocase
    $run3 = "ShellExecute" nocase
    $run4 = "Win32_Process" nocase

  condition:
    any of ($get*) and all of ($write*) and any of ($run*) and filesize < 5MB
    and uint16(0) != 0x5A4D and uint32be(0) != 0xD0CF11E0 and uint32be(0) != 0x25504446
    and part_role != "message" and part_role != "body"
}
