/** What a stranger without credentials does with a connection. */
export type Kind = (typeof KINDS)[number]
export const KINDS = ['bare', 'half-request', 'silent', 'half-hello', 'crumbs', 'bad-token', 'odd', 'all'] as const
