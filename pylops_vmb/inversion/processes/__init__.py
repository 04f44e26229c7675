"""Who shares the shots of a survey: one process alone, or those of an MPI communicator."""

from pylops_vmb.inversion.processes.mpi import MPITeam, team_of
from pylops_vmb.inversion.processes.team import ALONE, Alone, Team, in_team

__all__ = ["ALONE", "Alone", "MPITeam", "Team", "in_team", "team_of"]
