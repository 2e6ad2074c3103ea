/** A session that joined with its first leg, or left with its last. */
export type SessionEvent<User> =
  | { readonly type: 'joined' | 'left'; readonly session: string; readonly user: User }
  /** For a session whose server died. Only that server knew the user; `subject` is what `authenticate` had named. */
  | { readonly type: 'left'; readonly session: string; readonly user?: undefined; readonly subject?: string }

/** See `LiveServerOptions.onSession`. */
export type OnSession<User> = (event: SessionEvent<User>) => void
