// The quick start of docs/API.md by a client that was generated from api/openapi.yaml: what compiles here fits the description, what runs
// fits the server. Needs ACCOLADE_URL and ACCOLADE_OPERATOR_KEY; makes the tenant that TENANT names.
import { createClient, createConfig } from './generated/client';
import * as accolade from './generated/sdk.gen';
import type { Definition, Outcome } from './generated/types.gen';

declare const process: { env: Record<string, string | undefined>; exitCode?: number };

function given(name: string): string {
    const value = process.env[name];
    if (value === undefined) throw new Error(`${name} is not set`);
    return value;
}

function client(key: string) {
    return createClient(createConfig({ baseUrl: given('ACCOLADE_URL'), auth: () => key, throwOnError: true }));
}

function expect(what: string, got: unknown, expected: unknown): void {
    const [a, b] = [JSON.stringify(got), JSON.stringify(expected)];
    if (a !== b) throw new Error(`${what}: ${a}, expected ${b}`);
    console.log(`${what}: ${a}`);
}

// An event is settled by a new configuration at once; what is read of members may show the former one for half a second.
function caughtUp(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 600));
}

const rules: Definition[] = [
    { kind: 'currency', code: 'points', name: 'Points' },
    {
        kind: 'rule',
        code: 'call-completed',
        on: ['call.completed'],
        count: [{ metric: 'calls', by: 1 }],
        grant: [
            {
                currency: 'points',
                amount: 10,
                factors: [{ when: { '===': [{ var: 'event.data.rating' }, 5] }, multiply: 2, why: 'perfect call' }],
            },
        ],
    },
    { kind: 'level_ladder', code: 'career', currency: 'points', levels: [{ at: 0, name: 'Bronze' }, { at: 1000, name: 'Silver' }] },
];

async function quickStart(): Promise<void> {
    const tenant = given('TENANT');
    const operator = client(given('ACCOLADE_OPERATOR_KEY'));

    // A tenant and a key.
    const made = await accolade.createTenant({ client: operator, headers: { 'Idempotency-Key': `${tenant}-1` }, body: { tenant }, throwOnError: true });
    expect('a new tenant', [made.data.tenant, made.data.status, made.data.config_version], [tenant, 'active', 0]);
    const key = await accolade.createKey({
        client: operator,
        path: { tenant },
        headers: { 'Idempotency-Key': `${tenant}-2` },
        body: { name: 'dialer', scopes: ['all'] },
        throwOnError: true,
    });
    if (key.data.key === null) throw new Error('the key is shown to whoever makes it');
    const mine = client(key.data.key);

    // Rules: planned, then applied.
    const planned = await accolade.planConfig({ client: mine, body: { definitions: rules }, throwOnError: true });
    expect('planned', planned.data.changes.map((x) => `${x.change} ${x.kind}`), ['created currency', 'created level_ladder', 'created rule']);
    const applied = await accolade.applyConfig({
        client: mine,
        headers: { 'Idempotency-Key': 'rules-1' },
        body: { version: 0, definitions: rules },
        throwOnError: true,
    });
    expect('applied', applied.data.version, 1);
    await caughtUp();

    // An event, its repeat, and several at once.
    const event = { source: 'dialer', id: 'c-8841', type: 'call.completed', member: 'agent-99', data: { rating: 5 } };
    const first = await accolade.sendEvents({ client: mine, body: event, throwOnError: true });
    const outcome = first.data as Outcome;
    expect('earned', outcome.grants.map((x) => [x.rule, x.base, x.amount, x.balance]), [['call-completed', 10, 20, 20]]);
    const again = await accolade.sendEvents({ client: mine, body: event, throwOnError: true });
    expect('the repeat', [JSON.stringify(again.data) === JSON.stringify(first.data), again.response.headers.get('Idempotency-Replayed')], [true, 'true']);
    const several = await accolade.sendEvents({
        client: mine,
        body: [{ ...event, id: 'c-8842', data: { rating: 3 } }, event, { ...event, data: { rating: 1 } }],
        throwOnError: true,
    });
    if (!('data' in several.data)) throw new Error('a list is answered by a list');
    expect('several', several.data.data.map((x) => x.status), ['processed', 'processed', 'rejected']);

    // What a member has, and where it came from.
    const member = { member: 'agent-99' };
    const points = await accolade.getMemberPoints({ client: mine, path: member, throwOnError: true });
    expect('points', points.data.currencies.map((x) => [x.currency, x.balance]), [['points', 30]]);
    const levels = await accolade.getMemberLevels({ client: mine, path: member, throwOnError: true });
    expect('levels', levels.data.levels.map((x) => [x.ladder, x.level, x.xp_to_next]), [['career', 1, 970]]);
    const history = await accolade.listMemberTransactions({ client: mine, path: member, query: { currency: 'points', kind: ['earned', 'bonus'], limit: 1 }, throwOnError: true });
    expect('history', [history.data.data.map((x) => x.amount), history.data.summary?.earned], [[10], 30]);
    const next = await accolade.listMemberTransactions({
        client: mine,
        path: member,
        query: { currency: 'points', kind: ['earned', 'bonus'], limit: 1, cursor: history.data.next_cursor ?? '' },
        throwOnError: true,
    });
    expect('the next page', [next.data.data.map((x) => x.amount), next.data.next_cursor], [[20], null]);
    const stored = await accolade.getEvent({ client: mine, path: { source: 'dialer', id: 'c-8841' }, throwOnError: true });
    expect('the event', stored.data.id, 'c-8841');

    // A correction by hand, and one that is refused, with its figures.
    const corrected = await accolade.createAdjustment({
        client: mine,
        path: member,
        headers: { 'Idempotency-Key': 'fix-1' },
        body: { currency: 'points', amount: -5, reason: 'counted twice' },
        throwOnError: true,
    });
    expect('corrected', corrected.data.balance_after, 25);
    const refused = await accolade.createAdjustment({
        client: client(key.data.key),
        path: member,
        headers: { 'Idempotency-Key': 'fix-2' },
        body: { currency: 'points', amount: -100, reason: 'too much' },
        throwOnError: false,
    });
    expect('refused', [refused.response.status, refused.error?.code], [409, 'insufficient-points']);

    // Why, and what would be.
    const why = await accolade.explainRule({ client: mine, path: member, query: { rule: 'call-completed' }, throwOnError: true });
    expect('why', [why.data.rule, why.data.would_pay], ['call-completed', true]);
    const simulated = await accolade.simulateEvent({ client: mine, body: { event: { ...event, id: 'c-9999' } }, throwOnError: true });
    expect('simulated', simulated.data.grants.map((x) => [x.amount, x.transfer]), [[20, null]]);

    // One definition is changed under its ETag, and all goes back.
    const place = { kind: 'rule', code: 'call-completed' };
    const rule = await accolade.getDefinition({ client: mine, path: place, throwOnError: true });
    await accolade.putDefinition({
        client: mine,
        path: place,
        headers: { 'If-Match': rule.response.headers.get('ETag') ?? '' },
        body: { on: ['call.completed'], grant: [{ currency: 'points', amount: 12 }] },
        throwOnError: true,
    });
    const config = await accolade.getConfig({ client: mine, throwOnError: true });
    const back = await accolade.rollBackConfig({
        client: mine,
        headers: { 'Idempotency-Key': 'back-1', 'If-Match': config.response.headers.get('ETag') ?? '' },
        body: { version: 1 },
        throwOnError: true,
    });
    expect('back', [back.data.version, back.data.changes], [3, [{ change: 'changed', kind: 'rule', code: 'call-completed' }]]);
}

quickStart().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
});
