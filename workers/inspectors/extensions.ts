/** Extensions by which a system opens a file as something that acts, and how grave each is on its own. */
import type { Severity } from "../../src/core/outcome.ts";

const dangerous = new Map<string, Severity>();
const add = (severity: Severity, list: string): void => {
  for (const extension of list.split(/\s+/)) if (extension !== "") dangerous.set(extension, severity);
};

// Programs, scripts and shortcuts that start at a double click.
add(
  "high",
  `exe scr com pif cpl msi msp mst msix msixbundle appx appxbundle appinstaller bat cmd ps1 psm1 ps1xml ps2 psc1 psc2
   vb vbs vbe vbp js jse wsf wsh wsc ws sct hta jar jnlp chm hlp msc msh msh1 msh2 mshxml
   lnk url website iqy slk rdp settingcontent-ms library-ms search-ms searchconnector-ms
   reg scf xll wll gadget application appref-ms ade adp mde mda mdz bas cnt isp its mad maf mag mam maq mar mas mat mau mav maw
   pcd pl1 prf prg scx shb shs vsmacros vsw wiz xbap xnk diagcab diagcfg diagpkg oqy rqy dqy udl osd csh ksh command scpt applescript action workflow`,
);
// They hold others, and hide where those came from; or they act only in the hands of another program.
add(
  "medium",
  `iso img udf vhd vhdx vmdk vdi wim swm esd dmg one onepkg cab ppkg dll ocx sys drv inf theme themepack deskthemepack
   apk ipa deb rpm pkg run appimage desktop xla xlam ppam wsp crx xpi vsix csproj vbproj proj msu cer2 ace`,
);
add("low", "py pyw pl rb php sh bash zsh au3 ahk class mjs cjs");

/** How grave it is that a file bears this extension, or null. */
export const dangerOf = (extension: string): Severity | null => dangerous.get(extension) ?? null;

/** Starts at a double click. */
export const runs = (extension: string): boolean => dangerous.get(extension) === "high";
