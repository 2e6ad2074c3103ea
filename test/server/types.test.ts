import { createLiveServer } from 'livesocket/server'
import { expectTypeOf, it } from 'vitest'

interface User {
  subject: string
  admin: boolean
}

interface Topics {
  prices: { symbol: string; price: number }
  notices: string
}

interface Methods {
  order(data: { symbol: string }): { id: number }
}

/** Checked only by the compiler: no server is created. */
it('the types of users, topics and methods bind the server as they bind its clients', () => {
  void (() => {
    const server = createLiveServer<User, Topics, Methods>({
      port: 0,
      authenticate: () => ({ subject: 'ann', admin: false }),
      authorize: ({ user, topic }) => {
        expectTypeOf(user).toEqualTypeOf<User>()
        return user.admin || topic !== 'notices'
      },
      onRequest: {
        order: ({ data, user }) => {
          expectTypeOf(data).toEqualTypeOf<{ symbol: string }>()
          expectTypeOf(user).toEqualTypeOf<User>()
          return { id: 1 }
        },
      },
    })
    void server.publish('prices', { symbol: 'A', price: 1 })
    // @ts-expect-error: a field is missing
    void server.publish('prices', { symbol: 'A' })
    // @ts-expect-error: no such topic
    void server.publish('nothing', 1)
    const options = { port: 0, authorize: () => true }
    // @ts-expect-error: a user has more than a subject
    createLiveServer<User, Topics, Methods>({ ...options, authenticate: () => ({ subject: 'ann' }) })
    const authenticate = () => ({ subject: 'ann', admin: false })
    createLiveServer<User, Topics, Methods>({
      ...options,
      authenticate,
      // @ts-expect-error: the answer is another one
      onRequest: { order: () => ({ id: 'one' }) },
    })
    createLiveServer<User, Topics, Methods>({
      ...options,
      authenticate,
      // @ts-expect-error: no such method
      onRequest: { order: () => ({ id: 1 }), cancel: () => ({ id: 1 }) },
    })
    createLiveServer<User, Topics, Methods>({
      ...options,
      authenticate,
      // @ts-expect-error: no such topic
      schemas: { nothing: undefined },
    })
  })
})
