/** Who may what: roles and the permissions that each has. */

export const permissions = ["look", "content", "act", "lists", "rules", "audit", "admin"] as const;
/** `look`: lists and findings · `content`: what senders wrote · `act`: release, discard … · `lists`: allow, block, exceptions · `rules`: switch rules off and on · `audit`: read the audit log · `admin`: accounts, bypass. */
export type Permission = (typeof permissions)[number];

export const roles = ["admin", "reviewer", "author", "auditor"] as const;
export type Role = (typeof roles)[number];

const granted: Readonly<Record<Role, readonly Permission[]>> = {
  admin: permissions,
  reviewer: ["look", "content", "act", "lists"],
  author: ["look", "content", "rules"],
  auditor: ["look", "audit"],
};

export const permissionsOf = (role: Role): readonly Permission[] => granted[role];
