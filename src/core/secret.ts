/** Addresses as they may be shown: without the password in them. */

/** The last `@` before the path ends the part of user and password. */
const inAuthority = /^([a-z][a-z0-9+.-]*:\/\/[^:@/?#]*):[^/?#]*@/i;
const inQuery = /([?&]password=)[^&#]*/gi;

export const hidePassword = (text: string): string => text.replace(inAuthority, "$1:***@").replace(inQuery, "$1***");
