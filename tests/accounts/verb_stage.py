"""The administrator's verbs over a directory in memory, with mailboxes that only take notes."""

from mailserverd.accounts.account_verbs import AccountVerbs
from mailserverd.accounts.administration import Administration
from mailserverd.accounts.alias_verbs import AliasVerbs
from mailserverd.accounts.directory_verbs import DirectoryVerbs
from mailserverd.accounts.domain_verbs import DomainVerbs
from mailserverd.accounts.secret_verbs import SecretVerbs
from mailserverd.backends.lmdb.directory import LmdbDirectory
from mailserverd.model.mailbox import AccountState
from tests.accounts.doubles import DictRecords, InlineHashing, drive


class NotedMailboxes:
    def __init__(self):
        self.notes = []

    async def furnish(self, account_id):
        self.notes.append(("furnish", account_id))

    async def remove(self, account_id):
        self.notes.append(("remove", account_id))

    async def state(self, account_id):
        return AccountState(1, 2048, 3, None)


class VerbStage:
    def __init__(self, *domains):
        self.directory = LmdbDirectory(DictRecords())
        self.mailboxes = NotedMailboxes()
        self.hashing = InlineHashing()
        self.administration = Administration(self.directory, self.mailboxes, self.hashing, lambda: 1_700_000_000.5)
        self.domain = DomainVerbs(self.administration)
        self.account = AccountVerbs(self.administration)
        self.alias = AliasVerbs(self.administration)
        self.secret = SecretVerbs(self.administration)
        self.whole = DirectoryVerbs(self.administration)
        for domain in domains:
            drive(self.domain.add(domain))
