/** What a stranger does with a connection. None of them has a credential. */
export type Kind = (typeof KINDS)[number]
export const KINDS = ['bare', 'half-request', 'silent', 'half-hello', 'crumbs', 'bad-token', 'odd', 'all'] as const
