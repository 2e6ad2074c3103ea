/** A session that came, or went with its last leg. */
export type SessionEvent<User> =
  | { readonly type: 'joined' | 'left'; readonly session: string; readonly user: User }
  /** Of a session whose server died. Who it was only that server knew; `subject` is what `authenticate` had said. */
  | { readonly type: 'left'; readonly session: string; readonly user?: undefined; readonly subject?: string }

/** See `LiveServerOptions`. */
export type OnSession<User> = (event: SessionEvent<User>) => void
