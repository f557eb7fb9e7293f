import unittest

from user_limits import UserLimits


class UserLimitsTest(unittest.TestCase):
    def test_a_burst_then_one_at_a_time_and_each_user_alone(self) -> None:
        limits = UserLimits(6)
        self.assertEqual([limits.seconds_to_wait("alice", 100.0) for _ in range(8)], [0] * 6 + [10, 10])
        self.assertEqual(limits.seconds_to_wait("bob", 100.0), 0)
        self.assertEqual(limits.seconds_to_wait("alice", 104.0), 6)
        self.assertEqual(limits.seconds_to_wait("alice", 110.0), 0)
        self.assertEqual(limits.seconds_to_wait("alice", 110.0), 10)

    def test_remembers_so_many_users_and_those_who_call_before_others(self) -> None:
        limits = UserLimits(1, remembered_users=2)
        for user in ("alice", "bob", "alice", "carol"):
            limits.seconds_to_wait(user, 100.0)
        self.assertEqual(limits.seconds_to_wait("alice", 100.0), 60)
        self.assertEqual(limits.seconds_to_wait("bob", 100.0), 0)


if __name__ == "__main__":
    unittest.main()
