"""The names that packed nests use for numbers of their own."""

from __future__ import annotations

__all__ = ["OWN", "positional"]


OWN = frozenset(
    (
        *("z_", "at_", "chunk_", "lower_", "upper_", "plane_", "plane0_", "planes_", "slab_", "row_", "rowblock_"),
        *("lane_", "laneblock_", "blocks_", "phase_", "gap_", "taps_", "step_", "steps_", "done_", "total_"),
        *("chunk_of_", "rows_of_", "rowblock0_", "rowblocks_", "box_", "box0_", "block_", "tile_", "column_", "sum_"),
        *("N_", "NT_", "BX_", "SC_", "RT_", "RN_", "NC_", "RG_", "RA_", "RL_", "RB_", "whole_", "S_", "MB_", "NB_"),
        *("near_", "near_rows_", "near_columns_", "base_", "from_", "ahead_", "still_", "apart_", "moved_"),
        *("base_", "column0_", "column1_", "inner_", "mask_", "from_", "to_", "some_", "four_", "group_", "group0_"),
        *("groups_", "whole_", "rank_", "TG_", "GB_", "whole_mask_", "whole_row_"),
        *("point_", "group_", "mask_", "few_", "some_", "line_", "at_line_", "position_", "RS_", "RW_", "RV_", "RCUT_"),
        *("turn_", "first_", "first_lane_", "first_line_", "turn_mask_"),
        *("R_", "RC_", "M_", "MT_", "KT_", "P_", "PP_", "PB_", "G_", "FB_"),
        *("run_", "streamed_", "LONG_", "ST_", "stack_", "width_", "held_", "count_"),
        *("planes_of_", "spare_", "turned_row_", "turned_column_", "tile_row_", "held_", "NP_"),
    )
)
"""The names that packed nests use beside those made from a loop's: an operator that uses one is not packed."""


def positional(flats: tuple[str, ...]) -> dict[str, str]:
    """Names by the position of a flat loop instead of its own: kernels of several outputs then share functions."""
    names = {}
    for number, loop in enumerate(flats):
        for what in ("F", "Q", "B", "low", "high", "E", "lows", "highs", "Es", "U"):
            names[f"{what}_{loop}_"] = f"{what}{number}_"
        for what in ("start", "size", "box", "at", "class", "reached"):
            names[f"{loop}_{what}_"] = f"{what}_{number}_"
    return names
