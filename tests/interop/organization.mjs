// better-auth's own client with its organization plugin: spaces from making to leaving. Two users, as
// two browsers; the fetch hook keeps their cookies.
// AUTH_URL, AUTH_EMAIL, AUTH_PASSWORD, AUTH_EMAIL_2, AUTH_PASSWORD_2
import { createAuthClient } from "better-auth/client";
import { organizationClient } from "better-auth/client/plugins";
import { assert, check, setting } from "./report.mjs";

const url = setting("AUTH_URL");

function browser() {
    const jar = new Map();
    const customFetchImpl = async (input, options = {}) => {
        const headers = new Headers(options.headers);
        headers.set("origin", new URL(url).origin);
        if (jar.size > 0) headers.set("cookie", [...jar].map(([name, value]) => `${name}=${value}`).join("; "));
        const answer = await fetch(input, { ...options, headers });
        for (const line of answer.headers.getSetCookie()) {
            const [pair, ...attributes] = line.split(";").map((part) => part.trim());
            const at = pair.indexOf("=");
            if (attributes.some((word) => /^max-age=0$/i.test(word))) jar.delete(pair.slice(0, at));
            else jar.set(pair.slice(0, at), pair.slice(at + 1));
        }
        return answer;
    };
    return createAuthClient({ baseURL: url, plugins: [organizationClient()], fetchOptions: { customFetchImpl } });
}

async function well(promise) {
    const { data, error } = await promise;
    assert.equal(error, null, JSON.stringify(error));
    return data;
}

async function refused(promise, status, code) {
    const { error } = await promise;
    assert.ok(error, "was not refused");
    assert.equal(error.status, status);
    assert.equal(error.code, code);
}

const anna = browser();
const ben = browser();
const slug = `chor-${Date.now().toString(36)}`;
let space, invitation, member;

await check("two users sign in", async () => {
    await well(anna.signIn.email({ email: setting("AUTH_EMAIL"), password: setting("AUTH_PASSWORD") }));
    await well(ben.signIn.email({ email: setting("AUTH_EMAIL_2"), password: setting("AUTH_PASSWORD_2") }));
});

await check("a space is made, listed and active", async () => {
    assert.equal((await well(anna.organization.checkSlug({ slug }))).status, true);
    space = await well(anna.organization.create({ name: "Chor", slug, metadata: { type: "club" } }));
    assert.equal(space.metadata.type, "club");
    assert.equal(space.members[0].role, "owner");
    await refused(anna.organization.checkSlug({ slug }), 400, "ORGANIZATION_SLUG_ALREADY_TAKEN");
    const list = await well(anna.organization.list());
    assert.ok(list.some(({ id }) => id === space.id));
    const session = await well(anna.getSession());
    assert.equal(session.session.activeOrganizationId, space.id);
    assert.equal((await well(anna.organization.getActiveMember())).role, "owner");
});

await check("a space is changed, but not what belongs to the service", async () => {
    const changed = await well(anna.organization.update({ organizationId: space.id, data: { name: "Neuer Chor" } }));
    assert.equal(changed.name, "Neuer Chor");
    await refused(
        anna.organization.update({ organizationId: space.id, data: { metadata: { type: "personal" } } }),
        400,
        "SPACE_METADATA_INVALID",
    );
});

await check("an invitation reaches its address and is good once", async () => {
    invitation = await well(anna.organization.inviteMember({ email: setting("AUTH_EMAIL_2"), role: "member" }));
    assert.equal(invitation.status, "pending");
    const waiting = await well(ben.organization.listUserInvitations());
    assert.ok(waiting.some(({ id }) => id === invitation.id));
    const shown = await well(ben.organization.getInvitation({ query: { id: invitation.id } }));
    assert.equal(shown.organizationName, "Neuer Chor");
    await refused(
        anna.organization.acceptInvitation({ invitationId: invitation.id }),
        403,
        "YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION",
    );
    const accepted = await well(ben.organization.acceptInvitation({ invitationId: invitation.id }));
    assert.equal(accepted.invitation.status, "accepted");
    member = accepted.member;
    await refused(ben.organization.acceptInvitation({ invitationId: invitation.id }), 400, "INVITATION_NOT_FOUND");
});

await check("members are listed and may what their roles say", async () => {
    const { members, total } = await well(ben.organization.listMembers({ query: { organizationId: space.id } }));
    assert.equal(total, 2);
    assert.ok(members.every(({ user }) => user.email));
    const asked = { permissions: { member: ["create"] }, organizationId: space.id };
    assert.equal((await well(ben.organization.hasPermission(asked))).success, false);
    await refused(
        ben.organization.updateMemberRole({ memberId: member.id, role: "admin", organizationId: space.id }),
        403,
        "YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER",
    );
    const raised = await well(anna.organization.updateMemberRole({ memberId: member.id, role: "admin" }));
    assert.equal(raised.role, "admin");
    assert.equal((await well(ben.organization.hasPermission(asked))).success, true);
    assert.equal(ben.organization.checkRolePermission({ role: "admin", permissions: { member: ["create"] } }), true);
    assert.equal((await well(ben.organization.getActiveMemberRole())).role, "admin");
});

await check("the whole space is read by slug", async () => {
    const full = await well(ben.organization.getFullOrganization({ query: { organizationSlug: slug } }));
    assert.equal(full.members.length, 2);
    assert.equal(full.invitations.length, 1);
});

await check("an invitation is canceled, another rejected", async () => {
    const first = await well(anna.organization.inviteMember({ email: "nobody@example.com", role: "member" }));
    assert.equal((await well(anna.organization.cancelInvitation({ invitationId: first.id }))).status, "canceled");
    const list = await well(anna.organization.listInvitations({ query: { organizationId: space.id } }));
    assert.equal(list.length, 2);
    await well(anna.organization.removeMember({ memberIdOrEmail: setting("AUTH_EMAIL_2") }));
    const second = await well(anna.organization.inviteMember({ email: setting("AUTH_EMAIL_2"), role: ["member"] }));
    const no = await well(ben.organization.rejectInvitation({ invitationId: second.id }));
    assert.equal(no.invitation.status, "rejected");
});

await check("the active space is left and chosen again", async () => {
    await well(anna.organization.setActive({ organizationId: null }));
    assert.equal((await well(anna.getSession())).session.activeOrganizationId, null);
    await refused(anna.organization.getActiveMember(), 400, "NO_ACTIVE_ORGANIZATION");
    assert.equal((await well(anna.organization.setActive({ organizationSlug: slug }))).id, space.id);
});

await check("the only owner cannot leave, but can delete", async () => {
    await refused(
        anna.organization.leave({ organizationId: space.id }),
        400,
        "YOU_CANNOT_LEAVE_THE_ORGANIZATION_AS_THE_ONLY_OWNER",
    );
    await refused(ben.organization.delete({ organizationId: space.id }), 400, "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION");
    assert.equal((await well(anna.organization.delete({ organizationId: space.id }))).id, space.id);
    const home = (await well(anna.organization.list())).find(({ metadata }) => metadata.type === "personal");
    await refused(anna.organization.delete({ organizationId: home.id }), 403, "SPACE_PERSONAL_UNDELETABLE");
});
