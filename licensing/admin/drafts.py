"""Parts of an agreement that are fixed once it is signed."""

from licensing.words import AgreementStatus


def is_draft(agreement):
    return agreement is None or agreement.status == AgreementStatus.DRAFT


class WhileDraft:
    """Parts of an agreement that are fixed once it is signed."""

    def has_add_permission(self, request, obj=None):
        return is_draft(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request, obj=None):
        return is_draft(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        return is_draft(obj) and super().has_delete_permission(request, obj)
