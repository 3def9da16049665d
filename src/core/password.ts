/** Words that may open what is encrypted, and where they came from: the one thing of them that is ever told. */

export const passwordSources = ["subject", "body", "name", "correspondence", "site", "usual"] as const;
export type PasswordSource = (typeof passwordSources)[number];

export interface Password {
  readonly text: string;
  readonly from: PasswordSource;
}

/** What one message says that may be a password, the most plausible first. */
export interface Words {
  readonly candidates: readonly Password[];
  /** It speaks of a password: its words are worth keeping for other messages of the correspondence. */
  readonly told: boolean;
}

export const passwordLimits = { candidates: 64, characters: 128 } as const;
